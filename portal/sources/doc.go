// Package sources knows which sources of SIP and of sign-ins are blocked now, why and until when, and keeps the list of those
// that never are.
package sources
