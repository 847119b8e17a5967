// Package sitefile reads and writes site files: one or more sites of one enterprise in YAML, and
// bulk users in CSV.
//
// Reading is strict. Every fault of every file is found in one run and reported with file, line,
// column, field and cause ([Fault]); nothing is returned unless all of it is sound. Texts that
// look like numbers need no quotes: the characters of the file count, so a PIN of 0123 stays 0123.
//
// Anchors, aliases, tags and merge keys of YAML are refused: what a line says is all there is.
package sitefile
