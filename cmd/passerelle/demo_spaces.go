package main

import (
	"fmt"
	"math/rand/v2"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// trialDomain is the demo's site of spaces that `passerelle try --spaces` fills.
const trialDomain = "trial.acme.test"

// trialSpaces is how many spaces that site has: with those of the other sites, enough for what one machine carries.
const trialSpaces = 64

// demoEnterprise is what the demo serves: the demo site file, and a site of spaces to fill. Its space IDs are the same in
// every run, as all the demo's secrets are public.
func demoEnterprise() *directory.Enterprise {
	e := sitefile.Demo()
	site := directory.NewSite()
	site.Name, site.Domain = "Trial", trialDomain
	site.Language, site.Country, site.Timezone = directory.French, "FR", "Europe/Paris"
	site.ExtensionLength = 3
	site.Numbers = []directory.Number{"+33170002000"}
	site.Gateway = directory.Gateway{Number: "+33170002000", Extension: "100"}
	random := rand.NewChaCha8([32]byte([]byte("the secrets of a demo are public")))
	for i := range trialSpaces {
		u := directory.NewUser(directory.Person)
		u.Name = fmt.Sprintf("Trial %d", i+1)
		u.Extension = fmt.Sprint(200 + i)
		u.Collaboration = true
		id, err := directory.NewSpaceID(site, random)
		if err != nil {
			panic(err) // the length is a constant
		}
		u.SpaceID = id
		site.Users = append(site.Users, u)
	}
	e.Sites = append(e.Sites, site)
	return e
}
