package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/portal/page"
)

// lister makes a list for a request's query. Where that is refused the request is answered.
type lister[T any] func(http.ResponseWriter, *http.Request) (sites []*directory.Site, list page.List[T], ok bool)

// followList sends a list whenever it has changed: the template rows of its page, for the query of the stream's address.
func followList[T any](p *Portal, w http.ResponseWriter, r *http.Request, every time.Duration, name string, list lister[T]) {
	if _, _, ok := list(w, r); !ok {
		return
	}
	p.follow(w, r, every, "rows", func() (string, error) {
		sites, rows, ok := list(nowhere{}, r)
		if !ok {
			return "", errUnseen
		}
		frame := frameOf(p, r, name, sites, rows)
		frame.URL = page.ListURL(strings.TrimSuffix(r.URL.Path, "/events"), r.URL.Query())
		return p.view.Part(r, pages, name, "rows", frame)
	})
}

// errUnseen ends a stream whose site is no longer there, or no longer its reader's to see.
var errUnseen = errors.New("the site of a list is seen no longer")

// nowhere takes an answer that nobody is to have.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
