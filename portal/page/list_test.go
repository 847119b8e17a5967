package page

import (
	"cmp"
	"context"
	"net/http/httptest"
	"net/url"
	"testing"
)

func query(raw string) Query {
	return ReadQuery(httptest.NewRequestWithContext(context.Background(), "GET", "/list?"+raw, nil), "name", "size")
}

func TestReadQuery(t *testing.T) {
	for raw, want := range map[string][3]any{
		"":                                    {"name", false, 1},
		"sort=size&page=3":                    {"size", false, 3},
		"sort=-size":                          {"size", true, 1},
		"sort=password&page=-2":               {"name", false, 1},
		"page=99999999999999999999":           {"name", false, 1},
		"page=1000000&sort=-":                 {"name", false, 1},
		"q=" + url.QueryEscape("\xff\xfe ab"): {"name", false, 1},
	} {
		q := query(raw)
		if got := [3]any{q.Sort, q.Desc, q.Page}; got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
	if q := query("q=" + url.QueryEscape("\xff ab")); q.Text != " ab" && q.Text != "ab" {
		t.Errorf("%q", q.Text)
	}
}

func TestMatches(t *testing.T) {
	for raw, want := range map[string]bool{
		"":                 true,
		"q=elo%C3%8FSE":    true,
		"q=eloise+martin":  true,
		"q=martin+eloise":  true,
		"q=eloise+keller":  false,
		"q=01+70+00+12+01": true,
		"q=01.70.00.12.01": true,
		"q=%2B33170001201": true,
		"q=01+70+00+12+02": false,
		"q=20":             true,
		"q=99":             false,
	} {
		if got := query(raw).Matches("Éloïse Martin", "+33170001201", "201", ""); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}

func TestCut(t *testing.T) {
	rows := make([]int, 2*PerPage+1)
	for i := range rows {
		rows[i] = (i * 7) % len(rows)
	}
	l := Cut(query("page=3"), rows, cmp.Compare[int])
	if len(l.Rows) != 1 || l.Rows[0] != 2*PerPage || l.Total != len(rows) || l.Pages != 3 || l.Previous() != 2 || l.Next() != 0 {
		t.Errorf("%+v", l)
	}
	l = Cut(query("page=9&sort=-size"), rows, cmp.Compare[int])
	if l.Query.Page != 3 || l.Rows[0] != 0 {
		t.Errorf("behind the last page: %+v", l)
	}
	if l := Cut(query(""), []int{}, cmp.Compare[int]); l.Pages != 1 || l.Next() != 0 || l.Previous() != 0 {
		t.Errorf("an empty list: %+v", l)
	}
}

func TestURLs(t *testing.T) {
	u := URL{path: "/list", query: url.Values{"site": {"a.test"}, "q": {"x&y"}, "page": {"4"}, "sort": {"name"}}}
	for got, want := range map[string]string{
		u.Page(2):                                         "/list?page=2&q=x%26y&site=a.test&sort=name",
		u.Sorted("size", Query{Sort: "name"}):             "/list?q=x%26y&site=a.test&sort=size",
		u.Sorted("name", Query{Sort: "name"}):             "/list?q=x%26y&site=a.test&sort=-name",
		u.Sorted("name", Query{Sort: "name", Desc: true}): "/list?q=x%26y&site=a.test&sort=name",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for to, want := range map[string]string{
		"/hub?x=1": "/hub?x=1", "": "/", "hub": "/", "//evil.test": "/", "https://evil.test": "/", `/\evil.test`: "/", "/a\nb": "/", "javascript:x": "/", "/%zz": "/",
	} {
		if got := Local(to); got != want {
			t.Errorf("%q: %q", to, got)
		}
	}
}
