package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Invitation is what a guest needs to come into a space. It opens the space to whoever has it.
type Invitation struct {
	Space   string `json:"space" doc:"Reference of the space."`
	Number  string `json:"number" doc:"Gateway number to dial." example:"+33170001000"`
	SpaceID string `json:"space_id" doc:"What to type at the prompt, with # behind it."`
	Dial    string `json:"dial" doc:"One tap: number, pauses, space ID and #, for the dialler of a mobile phone." example:"+33170001000,,48213907752#"`
	TelURI  string `json:"tel_uri" doc:"The same as a link." example:"tel:+33170001000,,48213907752%23"`
	SIPURI  string `json:"sip_uri" doc:"For SIP phones: straight in, without prompts."`
	Subject string `json:"subject" doc:"Of a message to the guest, in the site's language."`
	Text    string `json:"text" doc:"Body of a message to the guest, in the site's language."`
}

func (a *API) registerInvitations() {
	op := operation(ScopeSpaces, "Live", http.MethodGet, "/spaces/{space}/invitation", "get-invitation", "Show how a guest comes into a space",
		http.StatusNotFound, http.StatusConflict)
	op.Description = "Holds the space ID, which alone opens the space."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *struct {
		SpacePath
		Language string `query:"language" enum:"fr,en" doc:"Of subject and text; absent is the site's."`
	}) (*struct{ Body Invitation }, error) {
		sp, err := a.space(ctx, in.Space)
		switch {
		case err != nil:
			return nil, err
		case sp.Site.Gateway.Number == "":
			return nil, huma.Error409Conflict("no gateway number is assigned to the site, so nobody can be invited: assign one first")
		case sp.ID == "":
			return nil, huma.Error409Conflict("the space has no ID yet")
		}
		lang := sp.Site.Language
		if in.Language != "" {
			lang = directory.Language(in.Language)
		}
		return &struct{ Body Invitation }{Body: NewInvitation(sp, lang)}, nil
	})
}

// NewInvitation invites to a space that has an ID, at a site whose gateway has a number.
func NewInvitation(sp *directory.Space, lang directory.Language) Invitation {
	number, id := string(sp.Site.Gateway.Number), sp.ID.Reveal()
	i := Invitation{
		Space: sp.Ref, Number: number, SpaceID: id, Dial: number + ",," + id + "#", TelURI: "tel:" + number + ",," + id + "%23",
		SIPURI:  "sip:" + number + "@" + sp.Site.Domain + ";space=" + id,
		Subject: "Join the space of " + sp.Owner.Name,
	}
	lines := []string{
		sp.Owner.Name + " invites you to a conference.", "",
		"One tap from a mobile phone: " + i.Dial,
		"Or dial " + number + " and type " + id + "#.", "",
	}
	if lang == directory.French {
		i.Subject = "Rejoindre l’espace de " + sp.Owner.Name
		lines = []string{
			sp.Owner.Name + " vous invite à une conférence.", "",
			"D’un seul geste depuis un mobile\u00a0: " + i.Dial,
			"Ou composez le " + number + " puis saisissez " + id + "#.", "",
		}
	}
	i.Text = strings.Join(lines, "\n")
	return i
}
