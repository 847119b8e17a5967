// Package httpd is the HTTP server of Passerelle: one composition of the API, its description, metrics, health and the
// front page, and the server that runs it.
//
// A Front holds the composition; Front.Handler gives it per listener, with the Identifier of that listener's callers. A
// Server runs a handler on one listener until its context is done, then lets requests in flight finish within a grace
// period. Nothing here logs a query string, a header or a body.
package httpd
