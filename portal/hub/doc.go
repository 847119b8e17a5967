// Package hub is the user's own part of the portal: the space with its invitation, hoteling, forwardings and the other
// settings of the line, the PIN, and the language.
//
// It shows and changes only what belongs to who is signed in; no path or form names another user.
package hub
