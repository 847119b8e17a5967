package api

import (
	"context"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Status is the server at a glance. The figures from legs down go back to their start values when no call is up, which
// is how a leak is told.
type Status struct {
	Version       string    `json:"version"`
	Started       time.Time `json:"started"`
	UptimeSeconds int64     `json:"uptime_seconds"`
	Sites         int       `json:"sites"`
	Spaces        int       `json:"spaces"`
	Registrations int       `json:"registrations"`
	Bridges       int       `json:"bridges"`
	Participants  int       `json:"participants"`
	Legs          int       `json:"legs" doc:"SIP legs that live, ringing and ending ones too."`
	PortsInUse    int       `json:"ports_in_use" doc:"RTP port pairs bound, draining ones too."`
	Goroutines    int       `json:"goroutines"`
	OpenFiles     *int      `json:"open_files,omitempty" doc:"File descriptors of the process; absent where the system does not tell."`
	HeapBytes     uint64    `json:"heap_bytes" doc:"Memory of live and not yet collected objects."`
}

func (a *API) registerStatus() {
	huma.Register(a.huma, operation(ScopeRead, "Operation", http.MethodGet, "/status", "get-status", "Show the server at a glance"),
		func(context.Context, *struct{}) (*struct{ Body Status }, error) {
			dir := a.cfg.Directory.Current()
			_, participants := a.seats()
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			return &struct{ Body Status }{Body: Status{
				Version:       a.cfg.Version,
				Started:       a.cfg.Started.UTC(),
				UptimeSeconds: int64(time.Since(a.cfg.Started).Seconds()),
				Sites:         len(dir.Sites()),
				Spaces:        len(dir.Spaces()),
				Registrations: a.cfg.Registrations.Count(),
				Bridges:       len(a.cfg.Bridges.Bridges()),
				Participants:  participants,
				Legs:          a.cfg.Legs.Legs(),
				PortsInUse:    a.cfg.Ports.InUse(),
				Goroutines:    runtime.NumGoroutine(),
				OpenFiles:     openFiles(),
				HeapBytes:     mem.HeapAlloc,
			}}, nil
		})
}

// openFiles counts the file descriptors of the process where /proc tells them.
func openFiles() *int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	n := len(names) - 1 // the directory itself
	return &n
}
