package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"passerelle/call"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
)

// adminURL is the base of a request by an admin client; the name is not looked up.
const adminURL = "http://passerelle"

// adminClient returns a client of the server that runs on a data directory and whether there is one. A socket that
// answers but not to us counts as running: its requests then say why they are refused.
func adminClient(dataDir string) (client *http.Client, running bool) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		dir, err := os.Open(dataDir)
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		return (&net.Dialer{}).DialContext(ctx, "unix", socketPath(dir, adminSocket))
	}
	client = &http.Client{Transport: &http.Transport{DialContext: dial}}
	probe, err := dial(context.Background(), "", "")
	switch {
	case err == nil:
		_ = probe.Close() // nothing was sent
		return client, true
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return client, false
	}
	return client, true
}

// refusedError is a fault that the server tells as problem details.
type refusedError struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Message string `json:"message"`
	} `json:"errors"`
}

// Error gives one line per fault of a file, else the whole in one.
func (e *refusedError) Error() string {
	if len(e.Errors) == 0 {
		return "the running server refuses: " + e.Detail
	}
	lines := make([]string, len(e.Errors))
	for i, f := range e.Errors {
		lines[i] = f.Message
	}
	return strings.Join(lines, "\n")
}

// adminDo sends a request to the running server; an answer other than 200 becomes a refusedError.
func adminDo(client *http.Client, r *http.Request) (*http.Response, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	refused := &refusedError{}
	if err := json.NewDecoder(resp.Body).Decode(refused); err != nil {
		return nil, fmt.Errorf("the running server answers %s", resp.Status)
	}
	return nil, refused
}

// adminImport has the running server import the files. progress may be nil.
func adminImport(ctx context.Context, client *http.Client, files []sitefile.Source, dryRun bool, progress func(done, total int)) (api.Imported, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range files {
		part, err := form.CreateFormFile("file", f.Name)
		if err == nil {
			_, err = part.Write(f.Data)
		}
		if err != nil {
			return api.Imported{}, fmt.Errorf("send %s: %w", f.Name, err)
		}
	}
	if err := form.Close(); err != nil {
		return api.Imported{}, fmt.Errorf("send the files: %w", err)
	}
	target := adminURL + "/api/v1/import"
	if dryRun {
		target += "?dry_run=true"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, &body)
	if err != nil {
		return api.Imported{}, fmt.Errorf("ask the running server: %w", err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "application/x-ndjson")
	resp, err := adminDo(client, r)
	if err != nil {
		return api.Imported{}, err
	}
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var line struct {
			Done, Total int
			Result      *api.Imported
			Fault       *refusedError
		}
		switch err := lines.Decode(&line); {
		case err != nil:
			return api.Imported{}, fmt.Errorf("the running server ended the import without a result: %w", err)
		case line.Fault != nil:
			return api.Imported{}, line.Fault
		case line.Result != nil:
			return *line.Result, nil
		case progress != nil:
			progress(line.Done, line.Total)
		}
	}
}

// adminExport has the running server write a site file.
func adminExport(ctx context.Context, client *http.Client, secrets sitefile.SecretMode) ([]byte, error) {
	query := url.Values{"secrets": {string(secrets)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/api/v1/export?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	resp, err := adminDo(client, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	file, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the export of the running server: %w", err)
	}
	return file, nil
}

// adminRoute has the running server explain a route.
func adminRoute(ctx context.Context, client *http.Client, from, to string) (call.Explanation, error) {
	query := url.Values{"from": {from}, "to": {to}}
	var e call.Explanation
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/api/v1/route?"+query.Encode(), nil)
	if err != nil {
		return e, fmt.Errorf("ask the running server: %w", err)
	}
	resp, err := adminDo(client, r)
	if err != nil {
		return e, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		return e, fmt.Errorf("read the answer of the running server: %w", err)
	}
	return e, nil
}
