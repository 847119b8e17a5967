// Package gateway is the site's collaboration gateway ("passerelle"): the two-way number that callers dial, the
// attendant that asks for a space ID, the spaces those IDs open, and the bridge that is a space's live session (its
// focus, RFC 4353).
//
// A Space is permanent and belongs to a user of an entitled pack; a Bridge exists from a space's first participant to
// its last and is owned by one goroutine, so that its cap of fifteen cannot be raced; a Participant is a seat on it.
// Spaces call people in, too, by a Dialer: a seat is kept while the callee is called. A seat may be handed from one leg to
// another, held in between, so that a transfer never makes sixteen of fifteen, nor fourteen. A conference is a bridge that
// the key of a phone opens, with a space of its own that no ID opens.
//
// A space ID alone admits its caller, so it appears in no log, metric, trace or error: those use the space's ref.
package gateway
