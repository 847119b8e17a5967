package main

// registration is what we read of a regload result.
type registration struct {
	Name     string            `json:"name"`
	Rate     float64           `json:"ops_per_s"`
	Timeouts uint64            `json:"timeouts"`
	BadOK    uint64            `json:"bad_200"`
	Status   map[string]uint64 `json:"final_status"`
	Latency  struct {
		P99 float64 `json:"p99_ms"`
	} `json:"latency_op"`
	Server *struct {
		CPUPerOp float64 `json:"cpu_us_per_op"`
		RSSAfter int64   `json:"rss_after"`
	} `json:"server"`
}

func (r registration) cpu() float64 {
	if r.Server == nil {
		return 0
	}
	return r.Server.CPUPerOp
}

// failed counts registrations that did not end in a good 200.
func (r registration) failed() uint64 {
	n := r.Timeouts + r.BadOK
	for code, count := range r.Status {
		if code != "200" {
			n += count
		}
	}
	return n
}
