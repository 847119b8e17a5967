// Package api is the HTTP API of a running server, described by an OpenAPI 3.1 document that is generated from the
// code: sites, spaces, live bridges, registrations and figures of the process, and what an operator changes while the
// server runs (end a bridge, remove a participant, assign a gateway number, import and export the configuration).
//
// Faults are problem details (RFC 9457). Lists are paged by an opaque cursor that stays good while entries come and go.
// An operation asks for a scope; who the caller is comes from an Identifier given per listener, so that one API serves
// the network, where a bearer token proves the caller (RFC 6750), and the owner's admin socket, where the file mode
// does. A space ID alone admits a caller to a bridge: it is shown with the scope spaces:write only and appears in no error.
package api
