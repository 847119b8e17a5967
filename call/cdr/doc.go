// Package cdr keeps the call detail records: one for each leg, written when the leg ends, as JSON lines in files that are
// rotated by size and kept for a number of days.
//
// A Journal is open while the server runs. Begin notes that a leg is under way, End writes its record. What was under way
// when the server died is written as interrupted when the journal is opened again. A record never holds a space ID, typed
// digits or a key; a space is named by its ref.
package cdr
