// Package audit knows what was changed, by whom and from where: the entries of the journal of changes, the difference
// between two states of a record, and the way back.
//
// A request carries its Trail in the context: whoever keeps a change (package store, in the transaction of the change
// itself) writes the entry from it. Secrets appear as *** only, and what had one cannot be put back.
package audit
