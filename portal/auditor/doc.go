// Package auditor writes what is done by the portal and by the API into the journal of changes, at the one place that every
// request passes: around the routes of pages and around the operations of the API. It knows a name for each deed, finds
// what a path speaks of, and says who may see an entry and who may take it back.
//
// A change of the directory is recorded by the store in the transaction of the change, from the trail that the context
// carries; the other deeds are recorded once they are done.
package auditor
