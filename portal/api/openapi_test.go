package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// document fetches the description as the outside does.
func document(t *testing.T, w *world, path string) (doc map[string]any, kind string) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.api.Description().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	decode := yaml.Unmarshal
	if strings.HasSuffix(path, ".json") {
		decode = json.Unmarshal
	}
	if err := decode(rec.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc, rec.Header().Get("Content-Type")
}

// TestDescriptionIsServed reads both forms; TestEveryOperationIsExercised knows what they must list.
func TestDescriptionIsServed(t *testing.T) {
	w := newWorld(t)
	for path, kind := range map[string]string{"/openapi.yaml": "application/yaml", "/openapi.json": "application/json"} {
		doc, gotKind := document(t, w, path)
		if gotKind != kind || doc["openapi"] != "3.1.0" {
			t.Errorf("%s: type %q, version %v", path, gotKind, doc["openapi"])
		}
		listed := 0
		for _, item := range doc["paths"].(map[string]any) {
			listed += len(item.(map[string]any))
		}
		if listed != len(operationsByID(w)) || listed < 50 {
			t.Errorf("%s lists %d operations of %d", path, listed, len(operationsByID(w)))
		}
	}
}

// TestDescriptionIsSound checks what OpenAPI 3.1 asks beyond its shape: references that resolve, path parameters that
// match the path, an answer and a security requirement for every operation, ids that are unique.
func TestDescriptionIsSound(t *testing.T) {
	doc, _ := document(t, newWorld(t), "/openapi.json")
	for _, field := range []string{"info", "paths", "components", "servers"} {
		if doc[field] == nil {
			t.Errorf("no %s", field)
		}
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !resolves(doc, ref) {
				t.Errorf("%s: %s leads nowhere", at, ref)
			}
			for k, inner := range v {
				walk(at+"/"+k, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at, inner)
			}
		}
	}
	walk("", doc)

	inPath := regexp.MustCompile(`\{([^}]+)\}`)
	ids := map[any]bool{}
	for path, item := range doc["paths"].(map[string]any) {
		for method, v := range item.(map[string]any) {
			op := v.(map[string]any)
			name := method + " " + path
			if id := op["operationId"]; id == nil || ids[id] {
				t.Errorf("%s: operation id %v is missing or used twice", name, id)
			}
			ids[op["operationId"]] = true
			if op["summary"] == nil || op["tags"] == nil {
				t.Errorf("%s: no summary or tags", name)
			}
			var want, got []string
			for _, m := range inPath.FindAllStringSubmatch(path, -1) {
				want = append(want, m[1])
			}
			params, _ := op["parameters"].([]any)
			for _, p := range params {
				if p := p.(map[string]any); p["in"] == "path" {
					got = append(got, p["name"].(string))
					if p["required"] != true {
						t.Errorf("%s: path parameter %v is not required", name, p["name"])
					}
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: path parameters %q, want %q", name, got, want)
			}
			answers := op["responses"].(map[string]any)
			good := 0
			for code, r := range answers {
				r := r.(map[string]any)
				if r["description"] == nil || r["description"] == "" {
					t.Errorf("%s: answer %s has no description", name, code)
				}
				content, _ := r["content"].(map[string]any)
				switch {
				case code < "300":
					good++
				case content["application/problem+json"] == nil:
					t.Errorf("%s: fault %s is no problem", name, code)
				}
			}
			if good != 1 || answers["401"] == nil || answers["403"] == nil || answers["500"] == nil {
				t.Errorf("%s: answers %v", name, answers)
			}
			security, _ := op["security"].([]any)
			if len(security) != 1 {
				t.Errorf("%s: security %v", name, security)
			}
		}
	}
}

func resolves(doc map[string]any, ref string) bool {
	path, local := strings.CutPrefix(ref, "#/")
	if !local {
		return false
	}
	var at any = doc
	for step := range strings.SplitSeq(path, "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return false
		}
		at = m[step]
	}
	return at != nil
}
