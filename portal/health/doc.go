// Package health looks at the server for what is wrong now and says it in words: what it is, since when, and what to do.
// It watches nothing by itself: each question looks at the parts as they are.
package health
