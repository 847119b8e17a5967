// Package siptest is a SIP peer for tests that speaks in the protocol's own text: what it sends and what it wants are
// messages as the RFCs print them. It knows nothing of the server under test, so that no fault of the one hides in the
// other.
package siptest
