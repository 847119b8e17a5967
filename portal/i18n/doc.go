// Package i18n speaks the portal's languages: texts, plurals, dates, durations and numbers.
//
// Texts stand in fr.yaml and en.yaml, one per key, the same keys in both. A text may hold {0}, {1} … for arguments; a text
// that depends on a count is written "one | other" and {n} is the count. The French wording of menus and buttons follows
// the documents that users know.
package i18n
