// Package admin is the administrator's portal: what is wrong now, users, phones, the gateway number of each site with the
// space IDs of its users, live bridges, registrations and trunks.
//
// Pages read and change through the interfaces that the API stands on, so there is nothing here that the API cannot do. Each
// request is held to the sites of who is signed in: what they do not see is answered as what does not exist. The help desk
// reads; space IDs, which open spaces, are shown only to those who may change the site.
package admin
