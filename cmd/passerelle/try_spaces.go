package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
)

// demoSite is the first site of the demo.
func demoSite() *directory.Site { return sitefile.Demo().Sites[0] }

// demoCallers are two lines of the demo: a softphone and a desk phone.
func demoCallers() ([]tryCaller, error) {
	var out []tryCaller
	for u := range demoSite().Everyone() {
		if devices := u.Devices(); u.Name == "Alice Martin" || u.Name == "Camille Roy" {
			d := devices[len(devices)-1]
			out = append(out, tryCaller{u.Name, d.Username, d.Password.Reveal()})
		}
	}
	if len(out) != 2 {
		return nil, fmt.Errorf("%w: the demo has no Alice Martin and Camille Roy; name two lines by --caller", errTryUsage)
	}
	return out, nil
}

// findSpaces gathers the spaces to call, from the most explicit source that is given.
func (c *tryCmd) findSpaces(ctx context.Context) ([]trySpace, error) {
	var found []trySpace
	var err error
	switch {
	case len(c.Space) > 0:
		for i, id := range c.Space {
			found = append(found, trySpace{fmt.Sprintf("space %d", i+1), c.number(), id})
		}
	case c.SpacesFile != "":
		found, err = readSpaces(c.SpacesFile)
	case c.Data != "":
		client, running := adminClient(c.Data)
		if !running {
			return nil, fmt.Errorf("no server runs on %s", c.Data)
		}
		found, err = askSpaces(ctx, client, adminURL, "")
	case c.API != "":
		found, err = askSpaces(ctx, http.DefaultClient, strings.TrimSuffix(c.API, "/"), c.APIToken)
	default:
		found, err = c.demoSpaces()
	}
	if err != nil {
		return nil, err
	}
	if need := max(c.Spaces, 1); len(found) < need {
		return nil, fmt.Errorf("%w: %d spaces are asked for, %d with a gateway number are known: name more by --space or "+
			"--spaces-file, or let the running server tell them by --data DIR or by --api URL --api-token TOKEN", errTryUsage, need, len(found))
	}
	return found, nil
}

func (c *tryCmd) number() string {
	if c.Number != "" {
		return c.Number
	}
	return string(demoSite().Gateway.Number)
}

// demoSpaces are the spaces of the demo server that have a gateway number to dial.
func (c *tryCmd) demoSpaces() ([]trySpace, error) {
	dir, err := directory.New(demoEnterprise())
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	var out []trySpace
	for _, sp := range dir.Spaces() {
		if number := sp.Site.Gateway.Number; number != "" && (c.Number == "" || c.Number == string(number)) {
			out = append(out, trySpace{sp.Ref, string(number), sp.ID.Reveal()})
		}
	}
	return out, nil
}

// readSpaces reads a file of spaces: gateway number and space ID per line, apart by blanks or a comma.
func readSpaces(path string) ([]trySpace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("spaces: %w", err)
	}
	defer f.Close()
	var out []trySpace
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t,;", r) })
		switch len(fields) {
		case 0:
		case 2:
			out = append(out, trySpace{fmt.Sprintf("line %d", n), fields[0], fields[1]})
		default:
			return nil, fmt.Errorf("%s:%d: %w: a line has a gateway number and a space ID", path, n, errTryUsage)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("spaces: %w", err)
	}
	return out, nil
}

// askSpaces asks a running server for its spaces. Only the admin scope is told their IDs.
func askSpaces(ctx context.Context, client *http.Client, base, token string) ([]trySpace, error) {
	var out []trySpace
	hidden := 0
	for cursor := ""; ; {
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/spaces?"+query.Encode(), nil)
		if err != nil {
			return nil, fmt.Errorf("ask for the spaces: %w", err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := adminDo(client, r)
		if err != nil {
			return nil, fmt.Errorf("ask for the spaces: %w", err)
		}
		var page api.Page[api.Space]
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read the spaces: %w", err)
		}
		for _, sp := range page.Items {
			switch {
			case !sp.Entitled || sp.GatewayNumber == "":
			case sp.SpaceID == "":
				hidden++
			default:
				out = append(out, trySpace{sp.Ref, sp.GatewayNumber, sp.SpaceID})
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if len(out) == 0 && hidden > 0 {
		return nil, fmt.Errorf("%w: the token may not read space IDs; that takes the admin scope", errTryUsage)
	}
	return out, nil
}
