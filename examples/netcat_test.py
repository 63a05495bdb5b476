# weir: tests of the netcat example, with pipes, files and nothing as its standard input and output.
# SPDX-License-Identifier: MIT
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

NETCAT = os.path.abspath(sys.argv.pop(1))
TEXT = random.Random(1).randbytes(2_000_000)


class EchoServer:
    """Accepts one connection and sends back what it receives, after that has ended if `late`."""

    def __init__(self, late=False):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listening.getsockname()[1]
        self.received = b""
        self.thread = threading.Thread(target=self.serve, args=(late,), daemon=True)
        self.thread.start()

    def serve(self, late):
        with self.listening:
            connection, _ = self.listening.accept()
        with connection, contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                self.received += part
                if not late:
                    connection.sendall(part)
            if late:
                connection.sendall(self.received)


class Netcat(unittest.TestCase):
    def run_netcat(self, server, **standard):
        done = subprocess.run([NETCAT, server.address], capture_output="stdout" not in standard, timeout=30, **standard)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_pipes(self):
        for late in (False, True):
            self.assertEqual(self.run_netcat(EchoServer(late), input=TEXT), TEXT)

    def test_standard_input_is_a_file(self):
        with tempfile.TemporaryFile() as file:
            file.write(TEXT)
            file.seek(1000)
            self.assertEqual(self.run_netcat(EchoServer(), stdin=file), TEXT[1000:])

    def test_standard_input_and_output_are_files(self):
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
            source.write(TEXT)
            source.seek(0)
            target.write(b"before: ")
            target.flush()
            self.run_netcat(EchoServer(), stdin=source, stdout=target)
            target.seek(0)
            self.assertEqual(target.read(), b"before: " + TEXT)

    def test_standard_input_is_empty(self):
        self.assertEqual(self.run_netcat(EchoServer(), stdin=subprocess.DEVNULL), b"")

    def test_standard_input_is_closed(self):
        done = subprocess.run(["sh", "-c", '"$0" 127.0.0.1:1 <&-', NETCAT], capture_output=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1), done.stderr)

    def test_nobody_reads_the_output(self):
        command = f'"$0" {EchoServer().address} </dev/zero | head -c 100000'
        done = subprocess.run(["sh", "-c", command, NETCAT], capture_output=True, timeout=30)
        self.assertEqual(done.stdout, bytes(100000))
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)

    def test_the_mode_of_shared_files_is_restored(self):
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb", 0), os.fdopen(theirs, "rb", 0):
            with subprocess.Popen([NETCAT, EchoServer().address], stdin=theirs, stdout=subprocess.PIPE) as process:
                os.write(ours, b"a line\n")
                self.assertEqual(process.stdout.readline(), b"a line\n")
                self.assertTrue(os.get_blocking(theirs))
                os.write(ours, b"\x04")
                self.assertEqual(process.wait(30), 0)


unittest.main(verbosity=2)
