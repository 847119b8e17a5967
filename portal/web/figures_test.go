package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/directory/sitefile"
)

// TestTenThousandOnTheBuiltServer has every page that an administrator opens and every list of the API, as its description
// has them, answered by the built server with 10 000 users. It holds rows and bytes to what does not depend on the machine,
// and logs how long each took; docs/performance.md has the figures of one.
func TestTenThousandOnTheBuiltServer(t *testing.T) {
	const n = 10_000
	p := startProgram(t)
	site := sitefile.Format(large(n), sitefile.FormatOptions{})
	begin := time.Now()
	p.importYAML(string(site))
	t.Logf("%-50s %6d ms", "import of 10 000 users by the API", time.Since(begin).Milliseconds())

	b := p.browser()
	b.post("/sign-in", "email", "admin@acme.test", "password", "admin-demo").want(t, http.StatusOK, "Services avancés")
	at := regexp.MustCompile(`/users/\d+`).FindString(b.get("/users?q=personne+00001").body)
	const rows = `<th scope="row">`
	for path, want := range map[string]int{
		"/": 1, "/users": 50, "/users?page=200": 50, "/users?q=personne+01234": 1, "/users?q=18+00+01+23+4": 1, "/users?q=nobody": 0,
		"/phones": 50, "/phones?sort=-mac&page=200": 50, "/phones?q=020000000fff": 1, "/registrations": 0, "/services": 0,
		"/services/gateway": 50, "/services/gateway?sort=-number": 50, "/services/gateway?q=personne+09999": 1, "/services/hoteling": 50, "/services/hoteling?q=personne+09900": 1,
		"/trunks": 0, "/numbers": 50, "/numbers?q=personne+01234": 1, "/live": 0, "/hub": 0, "/hub/calls": 0, "/hub/settings/calling/call-settings": 0, "/account": 0,
	} {
		var page answer
		took := median(func() { page = b.get(path) })
		if got := strings.Count(page.body, rows); page.code != http.StatusOK || got != want || len(page.body) > 100_000 {
			t.Errorf("%s: %d, %d rows in %d bytes, want %d", path, page.code, got, len(page.body), want)
		}
		t.Logf("%-50s %6.1f ms %7d bytes", path, took, len(page.body))
	}
	number, free := "+33170003000", "+33170003001"
	took := median(func() {
		b.post("/services/gateway/assign", "site", "grand.acme.test", "before", number, "number", free).want(t, http.StatusOK, "est remplacé par le")
		number, free = free, number
	})
	t.Logf("%-50s %6.1f ms", "another gateway number", took)
	took = median(func() {
		b.post(at, "what", "services", "pack", "premium", "video", "1", "guest", "1").want(t, http.StatusOK, "Les modifications sont enregistrées.")
	})
	t.Logf("%-50s %6.1f ms", "a user's services", took)
	lists := p.lists()
	if len(lists) < 10 {
		t.Errorf("the description has only these lists: %v", lists)
	}
	for _, path := range lists {
		for limit, query := range map[int]string{100: "", 7: "?limit=7"} {
			var body []byte
			took := median(func() { body = p.fetch("/api/v1" + path + query) })
			var list struct {
				Items []json.RawMessage
				Next  string `json:"next_cursor"`
			}
			if err := json.Unmarshal(body, &list); err != nil || list.Items == nil || len(list.Items) > limit || len(body) > 20_000+1500*limit {
				t.Errorf("%s%s: %d items in %d bytes: %v", path, query, len(list.Items), len(body), err)
			}
			if len(list.Items) == limit && list.Next == "" {
				t.Errorf("%s%s is full and names no next page", path, query)
			}
			if query == "" {
				t.Logf("%-50s %6.1f ms %7d bytes, %d items", "/api/v1"+path, took, len(body), len(list.Items))
			}
		}
	}
}

// median is how long the middle one of a few runs took, in milliseconds.
func median(run func()) float64 {
	var took []time.Duration
	for range 5 {
		begin := time.Now()
		run()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[len(took)/2].Seconds() * 1000
}

// lists are the paths of the API's lists, as its description has them.
func (p *program) lists() []string {
	p.t.Helper()
	var described struct {
		Paths map[string]struct {
			Get *struct {
				Parameters []struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(p.fetch("/openapi.json"), &described); err != nil {
		p.t.Fatal(err)
	}
	var found []string
	for path, item := range described.Paths {
		if item.Get != nil && !strings.Contains(path, "{") && slices.ContainsFunc(item.Get.Parameters, func(q struct{ Name string }) bool { return q.Name == "cursor" }) {
			found = append(found, strings.TrimPrefix(path, "/api/v1"))
		}
	}
	slices.Sort(found)
	return found
}

// fetch gets a path with the API's token.
func (p *program) fetch(path string) []byte {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatal(fmt.Sprint(path, ": ", res.StatusCode, " ", string(body[:min(len(body), 300)])), err)
	}
	return body
}
