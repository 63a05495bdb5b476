// weir: the core of the library in one header.
// SPDX-License-Identifier: MIT
#pragma once

#include "weir/base/bytes.h"
#include "weir/base/callback.h"
#include "weir/base/error.h"
#include "weir/base/report.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/buffer/buffer.h"
#include "weir/buffer/line_reader.h"
#include "weir/buffer/pool.h"
#include "weir/buffer/transfer_buffer.h"
#include "weir/loop/event_loop.h"
#include "weir/loop/signal.h"
#include "weir/loop/timer.h"
#include "weir/loop/watch.h"
#include "weir/net/address.h"
#include "weir/net/connector.h"
#include "weir/net/listener.h"
#include "weir/net/socket.h"
#include "weir/server/server.h"
#include "weir/stream/stream.h"
