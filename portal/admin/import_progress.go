package admin

import (
	"net/http"
	"sync"
	"time"

	"passerelle/portal/account"
)

// importing is how far the imports are that run now, by the account that asked for them; an account's later one is shown in
// the place of an earlier one.
type importing struct {
	mu  sync.Mutex
	now map[string]*importProgress
}

// importProgress is how far an import is.
type importProgress struct {
	Done, Total int // users that are written; Total 0 while files are read and checked
}

// begin notes an import. The caller tells its progress, and that it has ended.
func (i *importing) begin(who string) (progress func(done, total int), end func()) {
	mine := &importProgress{}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now == nil {
		i.now = make(map[string]*importProgress)
	}
	i.now[who] = mine
	return func(done, total int) {
			i.mu.Lock()
			defer i.mu.Unlock()
			mine.Done, mine.Total = done, total
		}, func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			if i.now[who] == mine {
				delete(i.now, who)
			}
		}
}

// of is how far somebody's import is; nil: none runs.
func (i *importing) of(who string) *importProgress {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := i.now[who]; now != nil {
		seen := *now
		return &seen
	}
	return nil
}

// importEvery is how often the progress of an import is looked at.
const importEvery = 50 * time.Millisecond

// importEvents sends the progress of the import that the reader has asked for, from any page or window.
func (p *Portal) importEvents(w http.ResponseWriter, r *http.Request) {
	who := account.Of(r.Context()).String()
	p.follow(w, r, importEvery, "progress", func() (string, error) { return p.view.Part(r, pages, "import", "progress", p.importing.of(who)) })
}
