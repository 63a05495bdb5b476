// weir: what the tool's --help teaches beside its options.
// SPDX-License-Identifier: MIT
#pragma once

namespace weir::cli {

inline constexpr const char* tool_help = R"(Examples:
  weir echo --listen :7777                      a server on loopback, port 7777
  weir bench echo --connect :7777 --seconds 5   load for it, from another terminal
  weir proxy --listen :7000 --to :7777          a proxy in front of it
  weir echo --help                              more about a command)";

inline constexpr const char* service_help =
    R"(ADDR is HOST:PORT with a numeric HOST or localhost, [v6]:PORT, :PORT (loopback) or unix:PATH.

Prints `listening on ADDR` with the real port when it is ready; what is noteworthy goes to stderr.
--user NAME: when it listens, for which it may have to be root, it becomes that user, with the groups of that
user and no others, for good. The file of a Unix socket then stays at the end, if the user may not remove it.
)";

inline constexpr const char* stats_help =
    R"(busy: the part of the time in which the loops were not waiting. turn: from a wait to the next one. callback: one
piece of work in a turn (an event of a connection, from receiving to sending; a timer; a task from another thread).
posts: such tasks. stalls: turns of more than 100 ms; --log info tells of each. pool: memory of buffers in use.
When a callback took more than 50 us the figures of the loops end with the slowest. - is for what there was nothing of.
)";

inline constexpr const char* echo_help =
    R"(SIGTERM or SIGINT: accepts no more, gives connections up to 10 s to end, exits with 0. A second one: exits
at once with 128 + the number of the signal (SIGTERM 143, SIGINT 130).

--log error: what keeps it from serving. warning: also what it limits and whom it cuts. info: also connections
that break, and that it stops. debug: every connection.

--stats prints a line on stdout every so often, for all threads together, of the time since the line before:

  50 connections (+2 -0)  in 5.6 MB/s in 88.1 k reads/s  out 5.6 MB/s  busy 61 %  turn p50 38 us p99 95 us
  max 1.2 ms  callback p99 4.1 us max 90 us  timers late p99 0.4 ms  posts waited p99 30 us  stalls 0  pool 1.2 MB

)";

inline constexpr const char* echo_examples =
    R"(
A peer that does not read is not read from either; it is cut when it has taken nothing for 60 s, or up to 8 s later.
With --lines an unfinished line at the end is not echoed, and a line of more than 64 KiB (65536 bytes
without its end) ends the connection, after the lines before it were echoed.

Examples:
  weir echo --listen :7777                      loopback only
  weir echo --listen 0.0.0.0:7777 --log info    every IPv4 address of this machine
  weir echo --listen [::1]:0                    IPv6, on a port that the system chooses
  weir echo --listen unix:/run/echo.sock        a Unix socket; its file is removed at the end
  weir echo --listen :7777 --threads 4          the system spreads the connections over four threads
  weir echo --listen :7777 --lines              whole lines only; try it with: nc localhost 7777
  weir echo --listen :7777 --stats 1            what it does, each second
  weir echo --listen :7 --user nobody           the port of RFC 862, for which it is started as root

Exit codes: 0 stopped by a signal; 1 it cannot listen there, or become the user; 2 wrong arguments; 128 + n see above.)";

inline constexpr const char* proxy_help =
    R"(
Each connection is passed on to one of the targets: the one with the fewest connections, in turn among equal
ones. Bytes go through as they are, and so do ends: that one side has sent everything, while the other goes on;
and that a connection broke, after what came before. A side that does not read keeps the other one from sending.

A target that refuses, or does not answer within --connect-timeout, is set aside, and the connection goes to the
next one. It stays aside for 1 s, then 2, 4, up to 30 s, after which one connection tries it again; meanwhile it is
tried only where no other target is left. When none is, the client sees its connection reset. What clients send before
there is a connection waits for it.

--limit RATE: how many bytes a second pass, in each direction, of all connections together: 512k, 10M, 1.5G (powers
of 1000), 64KiB, 10MiB (of 1024), or just a number. The threads share it, and what a thread gets its connections share.
--max-connections N: whoever comes when there are so many waits until one has ended. Each takes two descriptors, and
up to six when much passes; without a descriptor for its way on a client sees its connection reset.
--timeout S: cuts connections on which nothing has moved, either way, for so long. Without it they stay, but one that
takes nothing for 60 s, while something is there for it, is cut. For who stops taking it may be an eighth later, as what
this system has room for after that counts as taken.

SIGTERM or SIGINT: accepts no more, goes on with its connections until they have ended by themselves, for up to
10 s, cuts those that are left, and exits with 0; who waits under --max-connections is reset. A second one: cuts all
and exits at once with 128 + the number of the signal (SIGTERM 143, SIGINT 130). Over TCP, who is cut sees a reset.

--log error: what keeps it from serving. warning: also targets that are set aside, clients without a target,
connections that it cuts, and that there are as many as may be. info: also connections that break, and that it stops. debug: every connection.

--stats prints a line on stdout every so often, for all threads together, of the time since the line before:

  50 connections (+2 -0)  in 5.6 MB/s in 88.1 k reads/s  out 5.6 MB/s  busy 61 %  turn p50 38 us p99 95 us
  max 1.2 ms  callback p99 4.1 us max 90 us  timers late p99 0.4 ms  posts waited p99 30 us  stalls 0  pool 1.2 MB
  to 127.0.0.1:8001: 30 open, 4170 in all, 0 failed  to 127.0.0.1:8002: 20 open, 3822 in all, 7 failed, aside

in and out: what it receives and sends on both sides, so that each byte that passes is in both. Of each target: its
connections, how many there have been, and how often there was no connecting.
)";

inline constexpr const char* proxy_examples =
    R"(
Examples:
  weir proxy --listen :7000 --to :7777                             one server, on this machine
  weir proxy --listen 0.0.0.0:80 --to :8001 --to :8002             connections spread over two
  weir proxy --listen :6380 --to unix:/run/redis.sock              a Unix socket made reachable over TCP
  weir proxy --listen unix:/run/db.sock --to 192.0.2.7:5432        and the other way
  weir proxy --listen :7000 --to :7777 --limit 10M                 10 MB/s each way
  weir proxy --listen :80 --to :8080 --user nobody --threads 4     started as root, for the port

Exit codes: 0 stopped by a signal; 1 it cannot listen there, or become the user; 2 wrong arguments; 128 + n see above.)";

inline constexpr const char* bench_help =
    R"(ADDR is HOST:PORT with a numeric HOST or localhost, [v6]:PORT, :PORT (loopback) or unix:PATH.

Keeps --pipeline requests of --size bytes in flight on each connection and compares every byte that comes
back. MB/s (10^6) counts one way. With --json the result is one line on stdout; on stderr the line `connected`
precedes the first request and `measured` follows the measured time. Connections end with a reset, so that
no port is left in TIME_WAIT.

Examples:
  weir bench echo --connect :7777                                50 connections, 64 B, 10 s
  weir bench echo --connect :7777 --connections 1000 --size 1024
  weir bench echo --connect unix:/run/echo.sock --pipeline 16 --seconds 2.5
  weir bench echo --connect 192.0.2.7:7777 --json | jq .latency_us.p99

Exit codes: 0 no errors; 1 no connection, or errors; 2 wrong arguments.)";

}  // namespace weir::cli
