// What a child process inherits from the master: its descriptors, by number, and nothing else.
//
// Each service is exec'd with a clean environment, these descriptors open and every other closed.
// The master keeps both ends of the channels that connect two children, so that either of them can
// die and its successor finds the same channel, with the messages in it.
#pragma once

namespace dmpm::heritage {

// All services.
inline constexpr int kStandardError =
    2;  // of the master: for what goes wrong before the logger is there
inline constexpr int kMasterChannel = 3;  // SOCK_SEQPACKET: master/protocol.h or logger/protocol.h

// The dispatcher.
inline constexpr int kDispatcherLog = 4;        // SOCK_SEQPACKET, to the logger
inline constexpr int kDispatcherExchanges = 5;  // SOCK_SEQPACKET, to the logger
inline constexpr int kDispatcherKeyholder = 6;  // SOCK_SEQPACKET: keyholder/protocol.h
inline constexpr int kDispatcherMetrics = 7;    // memory: metrics::DispatcherSegment
inline constexpr int kDispatcherListeners = 8;  // and up: as many as its welcome says

// The keyholder.
inline constexpr int kKeyholderDispatchers = 4;  // SOCK_SEQPACKET, and up: one for each dispatcher

// The logger.
inline constexpr int kLoggerDispatchers = 4;  // SOCK_SEQPACKET, from all dispatchers
inline constexpr int kLoggerExchanges = 5;    // SOCK_SEQPACKET, from all dispatchers

// dmpm-metrics. Memory is open to be read only.
inline constexpr int kMetricsMaster = 4;  // metrics::MasterSegment
inline constexpr int kMetricsSocket = 5;  // a listening Unix socket
inline constexpr int kMetricsPort = 6;    // a listening TCP socket, or /dev/null
inline constexpr int kMetricsDispatchers =
    7;  // metrics::DispatcherSegment, and up: one for each number

// A worker: standard input is /dev/null, output and error its log pipe.
inline constexpr int kWorkerSocket = 3;  // its listening Unix socket
// Of dmpm-worker-start only, closed when it executes the worker: SOCK_SEQPACKET, the plan comes, an
// error goes (master/worker_start.cc).
inline constexpr int kWorkerControl = 4;
// Variable of workers with a preset, unless their root is another: the path of a directory that is their
// user's alone.
inline constexpr const char* kPrivateDirectory = "DMPM_PRIVATE_DIRECTORY";

}  // namespace dmpm::heritage
