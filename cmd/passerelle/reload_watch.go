package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"time"

	"passerelle/portal/api"
)

// lookEvery is how often the certificates' files are looked at. Programs that renew certificates write two files one after
// the other, so that a change counts once a second look finds it the same.
const lookEvery = 10 * time.Second

// Who asks for a reload, in the log and in the API.
const (
	bySignal = "SIGHUP"
	byFiles  = "changed files"
)

// run reloads for each signal, and for certificates that have changed on the disk, until ctx is done. Reloads that fail are
// logged.
func (r *reloader) run(ctx context.Context, hangUps <-chan os.Signal) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-hangUps:
			_, _ = r.Reload(ctx, api.ReloadOptions{By: bySignal}) // it has logged its faults
		case <-look.C:
			r.look(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// look takes over certificates that have changed on the disk. Those that cannot be used are refused once.
func (r *reloader) look(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.inForce()
	if now == nil {
		return
	}
	sum, same := r.onDisk(now)
	switch {
	case same:
		r.noticed, r.refused = sum, [sha256.Size]byte{}
	case sum == r.refused:
	case sum != r.noticed:
		r.noticed = sum
	default:
		what := api.ReloadOptions{By: byFiles, CertificatesOnly: true}
		done, err := r.reload(ctx, what)
		if err != nil {
			r.refused = sum
		}
		r.note(ctx, what.By, done, err)
	}
}

// onDisk tells whether the files are those in force, and a sum of them as they are. A file that cannot be read counts as one
// that has changed.
func (r *reloader) onDisk(now *certificateSet) (sum [sha256.Size]byte, same bool) {
	cert, err1 := os.ReadFile(r.running.Cert)
	key, err2 := os.ReadFile(r.running.Key)
	var authorities []byte
	var err3 error
	same = sumOf(cert, key) == now.pair.sum
	if r.running.PhoneCA != "" {
		authorities, err3 = os.ReadFile(r.running.PhoneCA)
		same = same && sumOf(authorities) == now.authSum
	}
	err := errors.Join(err1, err2, err3)
	if err != nil {
		return sumOf(cert, key, authorities, []byte(err.Error())), false
	}
	return sumOf(cert, key, authorities), same
}
