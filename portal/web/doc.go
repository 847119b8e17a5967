// Package web joins the portal's pages into one handler: the door, the administrator's pages and the user's hub.
package web
