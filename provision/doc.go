// Package provision lets desk phones configure themselves: it renders the XML profile (flat-profile) of Cisco MPP phones
// from the directory, serves it under /p/ to whoever has the phone's own link, asks phones by SIP to fetch anew what has
// changed, and takes their problem reports.
//
// A phone gets its first profile by a link that works once. The profile holds the phone's own link, which works until it
// is revoked. Whoever knows only a MAC address gets nothing, and learns nothing.
package provision
