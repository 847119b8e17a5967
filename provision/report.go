package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"passerelle/directory"
)

// The bounds of problem reports.
const (
	maxReport    = 16 << 20 // bytes
	keptReports  = 3        // of a phone; older ones are removed
	reportsApart = time.Minute
)

var errTooSoon = errors.New("a report came a moment ago")

// report takes a problem report: the body, or the file of a form. Only the phone's own link takes one.
func (p *Phones) report(w http.ResponseWriter, r *http.Request, token string) {
	by, ok := p.opens(token)
	if !ok || !by.own || p.cfg.Reports == "" {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxReport+64<<10) // a form has its own lines
	err := p.takeReport(r.Context(), by.mac, r)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, ErrReportTooLarge):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, errTooSoon):
		w.Header().Set("Retry-After", "60")
		http.Error(w, "not so often", http.StatusTooManyRequests)
	case errors.Is(err, errNoFile):
		http.Error(w, "no file", http.StatusBadRequest)
	default:
		p.log.WarnContext(r.Context(), "problem report not taken", "mac", by.mac, "err", err)
		http.Error(w, "not taken", http.StatusInternalServerError)
	}
}

var errNoFile = errors.New("the form has no file")

func (p *Phones) takeReport(ctx context.Context, mac directory.MAC, r *http.Request) error {
	if last := p.record(mac).Reports; len(last) > 0 && time.Since(last[0].At) < reportsApart {
		return errTooSoon
	}
	body, err := reportIn(r)
	if err != nil {
		return err
	}
	report, err := p.writeReport(mac, body)
	if err != nil {
		return err
	}
	var old []Report
	_, err = p.edit(ctx, mac, func(r *Record) error {
		r.Reports = slices.Insert(r.Reports, 0, report)
		if n := len(r.Reports); n > keptReports {
			old = slices.Clone(r.Reports[keptReports:])
			r.Reports = r.Reports[:keptReports]
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, os.Remove(p.reportFile(mac, report.Name)))
	}
	for _, o := range old {
		if err := os.Remove(p.reportFile(mac, o.Name)); err != nil {
			p.log.WarnContext(ctx, "old problem report stays", "err", err)
		}
	}
	p.log.InfoContext(ctx, "problem report taken", "mac", mac, "bytes", report.Size)
	return nil
}

// reportIn finds the report in a request.
func reportIn(r *http.Request) (io.Reader, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return r.Body, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoFile, err)
	}
	for {
		part, err := form.NextPart()
		switch {
		case isTooLarge(err):
			return nil, ErrReportTooLarge
		case err != nil:
			return nil, fmt.Errorf("%w: %w", errNoFile, err)
		case part.FileName() != "":
			return part, nil
		}
	}
}

func isTooLarge(err error) bool {
	var large *http.MaxBytesError
	return errors.As(err, &large)
}

// writeReport writes a report under a name of ours: what the phone calls it is of no use, and may be a path.
func (p *Phones) writeReport(mac directory.MAC, body io.Reader) (report Report, err error) {
	report = Report{At: time.Now().UTC()}
	report.Name = report.At.Format("20060102-150405-") + newName() + ".tar.gz"
	file := p.reportFile(mac, report.Name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return report, fmt.Errorf("directory of reports: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return report, fmt.Errorf("write a report: %w", err)
	}
	report.Size, err = io.Copy(f, io.LimitReader(body, maxReport+1))
	if err == nil && report.Size > maxReport || isTooLarge(err) {
		err = ErrReportTooLarge
	}
	if err == nil && report.Size == 0 {
		err = errNoFile
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return report, errors.Join(fmt.Errorf("write a report: %w", err), os.Remove(file))
	}
	return report, nil
}

func (p *Phones) reportFile(mac directory.MAC, name string) string {
	return filepath.Join(p.cfg.Reports, bare(mac), name)
}

// Report opens a problem report of a phone; the caller closes it.
func (p *Phones) Report(mac directory.MAC, name string) (io.ReadCloser, error) {
	if !slices.ContainsFunc(p.record(mac).Reports, func(r Report) bool { return r.Name == name }) {
		return nil, fmt.Errorf("report of %s: %w", mac, ErrUnknownReport)
	}
	f, err := os.Open(p.reportFile(mac, name))
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", mac, err)
	}
	return f, nil
}
