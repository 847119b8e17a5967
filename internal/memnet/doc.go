// Package memnet is an IP network in memory: UDP endpoints, TCP connections, NATs, loss, delay and reordering, without a
// socket. Everything on it waits on channels, so a whole exchange of SIP and RTP lives in a testing/synctest bubble, where
// 32 seconds of timers cost milliseconds.
//
// Make the Network inside the bubble that uses it: channels belong to the bubble they were made in. Close what was opened
// before the bubble ends; the network itself needs no closing and starts no goroutine of its own. Delayed packets wait in
// timers.
//
// A packet travels: writer, hooks in the order they were added (each sees what the former left), receiver's queue. A packet
// to an address where nobody listens disappears, like UDP without ICMP.
package memnet
