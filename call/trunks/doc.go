// Package trunks keeps an eye on the trunks of the directory: it finds their addresses (RFC 3263), asks each whether it
// answers (OPTIONS, RFC 3261 §11), registers with those that want it (RFC 3261 §10), and tells calls where to go.
//
// All waiting is its own. Each trunk has a keeper, a few goroutines that resolve, ask and register; what calls and the SIP
// edge ask of Trunks are look-ups under a lock that nobody holds while waiting. A resolver that answers nothing and a trunk
// that answers nothing delay each other's neighbours by nothing.
package trunks
