# weir: proves that the structure checks bite: each finds a planted violation, and is silent on a tree without one.
# SPDX-License-Identifier: MIT
import json
import os
import platform
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from exception_check import check_exceptions
from fast_path_check import check_fast_path
from hardening_check import check_hardening
from header_check import check_headers
from include_checks import check_arrows, check_file_heads, check_third_party, long_files
from mutant_check import check_mutants
from seam_check import check_seam

COMPILER = os.environ.get("WEIR_COMPILER", "c++")
HEAD = "// weir: planted.\n// SPDX-License-Identifier: MIT\n"


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name
        self.write("weir/base/low.h", HEAD + "#pragma once\n#include <cstddef>\ninline std::size_t low() { return 1; }\n")
        self.write("weir/buffer/middle.h", HEAD + '#pragma once\n#include "weir/base/low.h"\n')
        self.write("weir/net/high.h", HEAD + '#pragma once\n#include "weir/buffer/middle.h"\n')
        self.write("tests/third_party_includes", "# comment\nopenssl/*: weir/net/tls.cc weir/net/tls.h\nfmt/*: weir/buffer/format.h\n")
        self.write("tests/allowed_symbols", "memcpy  # copies\noperator new(*)\nsigfillset @ weir/loop/signal.cc\n_GLOBAL_OFFSET_TABLE_\n")

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


class Arrows(Tree):
    def test_is_silent_on_a_tree_in_order(self):
        self.write("weir/net/high_test.cc", HEAD + '#include "tests/support.h"\n#include "weir/net/high.h"\n')
        self.write("tests/support.h", HEAD + '#include "weir/net/high.h"\n')
        self.write("weir/weir.h", HEAD + '#include "weir/net/high.h"\n')
        self.write("bench/raw/a.cc", HEAD + '#include "../common.h"\n')
        self.write("bench/common.h", HEAD)
        self.assertEqual(check_arrows(self.root), [])

    def finds(self, path, text, words):
        self.write(path, HEAD + text)
        problems = check_arrows(self.root)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])
        self.assertTrue(problems[0].startswith(path))

    def test_finds_an_upward_include(self):
        self.finds("weir/buffer/bad.cc", '#include "weir/net/high.h"\n', "not below it")

    def test_finds_an_upward_include_in_a_unit_test(self):
        self.finds("weir/buffer/bad_test.cc", '#include "weir/net/high.h"\n', "not below it")

    def test_finds_a_sideways_include(self):
        self.write("weir/sim/a.h", HEAD)
        self.finds("weir/compat/bad.h", '#include "weir/sim/a.h"\n', "not below it")

    def test_finds_a_layer_that_includes_a_program(self):
        self.write("tests/support.h", HEAD)
        self.finds("weir/buffer/bad.h", '#include "tests/support.h"\n', "must not include")

    def test_finds_a_layer_that_includes_everything(self):
        self.write("weir/weir.h", HEAD)
        self.finds("weir/buffer/bad.h", '#include "weir/weir.h"\n', "include what is used")

    def test_finds_a_relative_include(self):
        self.finds("weir/buffer/bad.h", '#include "middle.h"\n', "from the root")

    def test_finds_an_include_in_angle_brackets(self):
        self.finds("weir/buffer/bad.h", "#include <weir/base/low.h>\n", "not <")

    def test_finds_a_layer_without_a_place(self):
        self.finds("weir/other/bad.h", '#include "weir/base/low.h"\n', "no place")


class Mutants(Tree):
    def setUp(self):
        super().setUp()
        self.write("weir/base/low_test.cc", HEAD + "// hazard: E1, RE3\n// why\nTEST(Low, is_low) {}\n\nTEST(Low, is_lower) {}\n// hazard: B4 B5\nTYPED_TEST(High, is_high) {}\n")

    def problems(self, filter, hazards):
        self.write("tests/mutants/low.patch", f"# mutant: x\n# test: weir_base_test {filter}\n# hazard: {hazards}\ndiff --git a b\n")
        return check_mutants(self.root)

    def test_is_silent_where_the_named_test_carries_the_hazards(self):
        self.assertEqual(self.problems("Low.is_low", "E1, RE3"), [])
        self.assertEqual(self.problems("Low.*:High/*.is_high", "E1, B5"), [])
        self.assertEqual(self.problems("All/High.is_h*/*", "B4"), [])
        self.write("tests/mutants/low.patch", "# mutant: x\n# test: weir_base_test Low.is_lower\ndiff --git a b\n+# hazard: none\n")
        self.assertEqual(check_mutants(self.root), [])

    def test_finds_a_hazard_that_the_named_test_does_not_carry(self):
        self.assertIn("E2", self.problems("Low.is_low", "E1, E2")[0])
        self.assertIn("E1", self.problems("Low.is_lower", "E1")[0])
        self.assertIn("E1", self.problems("Low.*-Low.is_low", "E1")[0])

    def test_finds_a_line_that_is_no_list_of_ids(self):
        self.assertEqual(len(self.problems("Low.is_low", "E1 RE3")), 1)
        self.assertEqual(len(self.problems("Low.is_low", "")), 1)


class ThirdParty(Tree):
    def test_is_silent_on_listed_files_and_system_headers(self):
        self.write("weir/net/tls.cc", HEAD + "#include <openssl/ssl.h>\n#include <sys/uio.h>\n#include <vector>\n#include <errno.h>\n")
        self.write("weir/buffer/format.h", HEAD + "#include <fmt/core.h>\n")
        self.assertEqual(check_third_party(self.root), [])

    def test_finds_a_file_that_is_not_listed(self):
        self.write("weir/net/other.cc", HEAD + "#  include <openssl/ssl.h>\n")
        self.assertEqual(len(check_third_party(self.root)), 1)

    def test_finds_a_library_header_even_when_listed(self):
        self.write("weir/net/tls.h", HEAD + "#include <openssl/ssl.h>\n")
        self.assertIn("must not include", check_third_party(self.root)[0])

    def test_finds_a_header_nobody_listed(self):
        self.write("examples/a.cc", HEAD + "#include <zlib.h>\n")
        self.assertEqual(len(check_third_party(self.root)), 1)


class Heads(Tree):
    def test_is_silent_on_proper_heads(self):
        self.assertEqual(check_file_heads(self.root), [])

    def test_finds_a_missing_head_and_guard(self):
        self.write("weir/base/bad.h", "int f();\n")
        self.assertEqual(len(check_file_heads(self.root)), 3)

    def test_advises_on_long_files_only(self):
        self.write("weir/base/right.cc", "\n" * 400)
        self.write("weir/base/long.cc", "\n" * 401)
        self.assertEqual(long_files(self.root), ["weir/base/long.cc: 401 lines"])


class Headers(Tree):
    def check(self):
        return check_headers(self.root, COMPILER, os.path.join(self.root, "cache"))

    def test_is_silent_on_headers_that_compile_alone(self):
        self.assertEqual(self.check(), [])

    def test_finds_a_header_that_leans_on_its_includer(self):
        self.write("weir/base/bad.h", HEAD + "#pragma once\ninline std::string text() { return {}; }\n")
        self.assertEqual(len(self.check()), 1)

    def test_finds_a_header_without_a_guard(self):
        self.write("weir/base/bad.h", HEAD + "struct Twice {};\n")
        self.assertEqual(len(self.check()), 1)

    def test_notices_a_change_in_an_included_header(self):
        self.assertEqual(self.check(), [])
        self.write("weir/base/low.h", HEAD + "#pragma once\ninline int low() { return nothing; }\n")
        self.assertEqual(len(self.check()), 3)  # the header and the two that include it


class Exceptions(Tree):
    def test_is_silent_on_guards_on_comments_and_on_programs(self):
        self.write("weir/sys/throw.cc", HEAD + "void bad() { throw 1; }\n")
        self.write("weir/loop/turn_guard.cc", HEAD + "void f() { try { g(); } catch (...) { throw; } }\n")
        self.write("weir/net/good.cc", HEAD + "// try and throw\n/* catch\n(1) */ auto a = \"throw \\\" 1\";\nauto b = R\"(throw)\";\nint throws = 1'000;\n")
        self.write("weir/cli/main.cc", HEAD + "int main() { try { f(); } catch (int) {} }\n")
        self.write("tests/contracts/a_test.cc", HEAD + "void f() { throw 1; }\n")
        self.assertEqual(check_exceptions(self.root), [])

    def finds(self, path, text, words):
        self.write(path, HEAD + "char quote = '\"';\n" + text)
        problems = check_exceptions(self.root)
        self.assertEqual(len(problems), 1, problems)
        self.assertTrue(problems[0].startswith(f"{path}:4: "), problems)
        self.assertIn(words, problems[0])

    def test_finds_a_throw(self):
        self.finds("weir/buffer/bad.cc", "void f() { throw 1; }\n", "throw_bad_alloc()")

    def test_finds_a_throw_in_a_header(self):
        self.finds("weir/buffer/bad.h", "inline void f() { throw 1; }\n", "throw_bad_alloc()")

    def test_finds_a_catch_even_where_throws_are(self):
        self.finds("weir/sys/throw.cc", "void f() try {} \n", "what catches is listed")

    def test_finds_a_throw_of_its_own_in_a_guard(self):
        self.finds("weir/loop/turn_guard.cc", "void f() { try { throw 1; } catch (...) { throw; } }\n", "throw_bad_alloc()")

    def test_finds_a_question_for_a_type(self):
        self.finds("weir/buffer/bad.cc", "auto& f(int& a) { return typeid(a); }\n", "run-time type")

    def test_finds_a_unit_test_that_is_not_listed_as_throwing(self):
        self.finds("weir/buffer/bad_test.cc", "void f() { EXPECT_THROW(g(), int); }\n", "THROWING_TESTS")
        self.write("weir/buffer/CMakeLists.txt", "weir_layer(\n  TESTS good_test.cc\n  THROWING_TESTS other_test.cc\n                 bad_test.cc\n)\n")
        self.assertEqual(check_exceptions(self.root), [])

    def test_finds_what_tests_share(self):
        self.finds("tests/support/bad.h", "void f() { throw 1; }\n", "throws.h")


class Seam(Tree):
    def compile(self, path, text):
        target = os.path.join(self.root, "objects", path + ".o")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        subprocess.run([COMPILER, "-std=c++20", "-O1", "-c", "-x", "c++", "-", "-o", target], input=text, text=True, check=True)

    def check(self):
        return check_seam([os.path.join(self.root, "objects")], os.path.join(self.root, "tests", "allowed_symbols"))

    def test_is_silent_on_own_and_allowed_symbols_and_on_sys(self):
        self.compile("weir/sys/calls.cc", '#include <unistd.h>\nnamespace weir { void shut(int d) { ::close(d); } }')
        self.compile("weir/net/good.cc", "namespace weir { void shut(int); char* get() { shut(1); return new char; } }")
        self.assertEqual(self.check(), [])

    def test_finds_a_system_call(self):
        self.compile("weir/net/bad.cc", "#include <unistd.h>\nnamespace weir { void shut(int d) { ::close(d); } }")
        self.assertEqual(self.check(), ["weir/net/bad.cc.o: imports close"])

    def test_finds_a_system_call_without_a_telling_name(self):
        self.compile("weir/net/bad.cc", "#include <chrono>\nnamespace weir { auto now() { return std::chrono::steady_clock::now(); } }")
        self.assertIn("steady_clock::now()", self.check()[0])

    def test_finds_a_symbol_of_the_same_beginning(self):
        self.compile("weir/net/bad.cc", 'extern "C" int memcpy_and_call();\nnamespace weir { int f() { return memcpy_and_call(); } }')
        self.assertEqual(len(self.check()), 1)

    def test_finds_a_symbol_that_only_another_file_may_use(self):
        text = "#include <signal.h>\nnamespace weir { void all(sigset_t* set) { ::sigfillset(set); } }"
        self.compile("weir/loop/signal.cc", text)
        self.assertEqual(self.check(), [])
        self.compile("weir/loop/other.cc", text)
        self.assertEqual(self.check(), ["weir/loop/other.cc.o: imports sigfillset"])

    def test_exempts_programs(self):
        self.compile("weir/net/good.cc", "int f() { return 1; }")
        self.compile("weir/cli/main.cc", "#include <unistd.h>\nvoid shut(int d) { ::close(d); }")
        self.assertEqual(self.check(), [])

    def test_finds_that_nothing_was_built(self):
        self.assertEqual(len(self.check()), 1)


@unittest.skipUnless(platform.machine() == "x86_64", "reads the code of x86-64")
class FastPath(Tree):
    def check(self, acquire, release="release_slow(h);"):
        source, target = os.path.join(self.root, "pool.cc"), os.path.join(self.root, "pool.o")
        self.write("pool.cc", f"""#include <atomic>
            namespace weir {{
            struct BlockHeader {{ std::atomic<unsigned long> count; BlockHeader* next; void lock(); }};
            struct Pool {{
              BlockHeader* acquire(unsigned long); BlockHeader* acquire_slow(unsigned long);
              void release(BlockHeader*); void release_slow(BlockHeader*);
              BlockHeader* list;
              void (*call)();
            }};
            BlockHeader* Pool::acquire(unsigned long n) {{ BlockHeader* h = list; if (!h) return acquire_slow(n); list = h->next; {acquire} return h; }}
            void Pool::release(BlockHeader* h) {{ {release} }}
            }}""")
        subprocess.run([COMPILER, "-std=c++20", "-O2", "-fPIC", "-c", source, "-o", target], check=True)
        return check_fast_path(target)

    def test_is_silent_on_loads_and_stores(self):
        self.assertEqual(self.check("h->count.store(1, std::memory_order_relaxed);"), [])

    def test_finds_an_atomic_addition(self):
        self.assertIn("read-modify-write", self.check("h->count.fetch_add(1, std::memory_order_relaxed);")[0])

    def test_finds_a_store_that_is_an_exchange(self):
        self.assertIn("read-modify-write", self.check("h->count.store(1);")[0])

    def test_finds_calls_of_all_kinds(self):
        self.assertIn("something else", self.check("h->lock();")[0])
        self.assertIn("something else", self.check("call();")[0])
        self.assertIn("something else", self.check("", "h->lock();")[0])

    def test_finds_that_there_is_nothing_to_check(self):
        self.write("empty.cc", "int nothing;")
        target = os.path.join(self.root, "empty.o")
        subprocess.run([COMPILER, "-c", os.path.join(self.root, "empty.cc"), "-o", target], check=True)
        self.assertEqual(len(check_fast_path(target)), 2)


class Hardening(Tree):
    GOOD = "-O2 -fPIE -fstack-protector-all -fcf-protection -D_FORTIFY_SOURCE=2".split()
    GOOD_LINK = "-pie -Wl,-z,relro,-z,now".split()

    def check(self, flags, link):
        self.write("weir/a.cc", "int main(int n, char**) { char text[64] = {}; text[n % 64] = 1; return text[0]; }")
        source, thing, program = (os.path.join(self.root, name) for name in ("weir/a.cc", "objects/a.o", "program"))
        os.makedirs(os.path.dirname(thing), exist_ok=True)
        subprocess.run([COMPILER, *flags, "-c", source, "-o", thing], check=True)
        subprocess.run([COMPILER, *link, thing, "-o", program], check=True)
        self.write("commands.json", json.dumps([{"file": source, "command": " ".join(flags)}]))
        return check_hardening(program, [os.path.dirname(thing)], os.path.join(self.root, "commands.json"))

    def test_is_silent_on_a_hardened_program(self):
        self.assertEqual(self.check(self.GOOD, self.GOOD_LINK), [])

    def test_finds_each_missing_property(self):
        self.assertEqual(len(self.check([*self.GOOD, "-fno-stack-protector"], self.GOOD_LINK)), 1)
        self.assertEqual(len(self.check(self.GOOD, ["-pie", "-Wl,-z,relro,-z,lazy"])), 1)
        self.assertEqual(len(self.check(self.GOOD, ["-pie", "-Wl,-z,norelro,-z,now"])), 1)
        self.assertEqual(len(self.check(self.GOOD, ["-no-pie", *self.GOOD_LINK[1:]])), 1)
        self.assertEqual(len(self.check(self.GOOD, [*self.GOOD_LINK, "-Wl,-z,execstack"])), 1)
        self.assertEqual(len(self.check(self.GOOD[:-1], self.GOOD_LINK)), 1)

    @unittest.skipUnless(platform.machine() == "x86_64", "only x86 has it")
    def test_finds_an_object_without_control_flow_protection(self):
        self.assertEqual(len(self.check([*self.GOOD, "-fcf-protection=none"], self.GOOD_LINK)), 1)


if __name__ == "__main__":
    unittest.main()
