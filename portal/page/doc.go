// Package page is the frame of the portal's pages: layout, navigation, messages, lists, and the files that browsers fetch.
//
// A package of pages embeds its templates and makes a Set of them once; each template defines "content". Renderer.Render
// fills the frame around it for who is signed in, in their language. Pages work without scripts; htmx and app.js make them
// quicker. No page holds a script or a style of its own: the server's content security policy would not run them.
package page
