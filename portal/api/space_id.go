package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// NewSpaceID as a change of a user's settings gives the user's space another ID, drawn at random: the former opens nothing
// any more.
func NewSpaceID(u *directory.User) { u.SpaceID = "" } // the store draws one for whoever is entitled and has none

func (a *API) registerSpaceID() {
	op := operation(ScopeSpaces, "Directory", http.MethodPost, "/spaces/{space}/regenerate", "regenerate-space-id", "Give a space another ID",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusServiceUnavailable)
	op.Description = "The former ID opens the space no longer, so invitations that hold it are void. A live bridge goes on with those who are in."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *struct {
		SpacePath
		IfMatch
	}) (*struct {
		Body struct {
			Space   string `json:"space"`
			SpaceID string `json:"space_id" doc:"The new one."`
		}
	}, error,
	) {
		sp, err := a.space(ctx, in.Space)
		if err != nil {
			return nil, err
		}
		if _, err := a.editUser(ctx, sp.Owner, in.IfMatch, "space ID regenerated", always(NewSpaceID)); err != nil {
			return nil, err
		}
		out := &struct {
			Body struct {
				Space   string `json:"space"`
				SpaceID string `json:"space_id" doc:"The new one."`
			}
		}{}
		out.Body.Space = sp.Ref
		if now, ok := a.cfg.Directory.Current().SpaceByRef(sp.Ref); ok {
			out.Body.SpaceID = now.ID.Reveal()
		}
		return out, nil
	})
}
