// Package call is the root of every call: it says who calls (the authenticated line or trunk, never the From header),
// reads what was dialled by the plan, and hands the leg to its destination. The plan is a pure function of a directory
// snapshot; Root serves the legs.
package call
