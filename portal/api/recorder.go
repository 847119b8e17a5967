package api

import (
	"bytes"
	"net/http"
)

// recorder keeps an answer back until it is released, so that it is kept before anybody reads it; an answer that is flushed
// on the way goes out as it comes. What is written never fails: the deed does not depend on who reads of it.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	long   bool // body does not hold all
	out    bool // goes out as it comes
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if !r.out && r.body.Len()+len(b) > maxKeptAnswer {
		r.start()
	}
	if r.out {
		_, _ = r.ResponseWriter.Write(b)
	}
	if r.long = r.long || r.body.Len()+len(b) > maxKeptAnswer; !r.long {
		r.body.Write(b)
	}
	return len(b), nil
}

// FlushError sends what there is, and what follows as it comes.
func (r *recorder) FlushError() error {
	r.start()
	return http.NewResponseController(r.ResponseWriter).Flush()
}

// start sends what was kept back.
func (r *recorder) start() {
	if r.out {
		return
	}
	r.out = true
	r.ResponseWriter.WriteHeader(r.code())
	_, _ = r.ResponseWriter.Write(r.body.Bytes()) // fails only when the caller has gone
}

// release sends an answer that was kept back whole. Nothing was written by a handler that has panicked.
func (r *recorder) release() {
	if r.status != 0 {
		r.start()
	}
}

// code is the status of the answer.
func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
