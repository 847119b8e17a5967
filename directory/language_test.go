package directory

import "testing"

func TestPreferred(t *testing.T) {
	for header, want := range map[string]Language{
		"": "", "fr": "fr", "en-GB": "en", "FR-ca, en": "fr", "fr;q=0.3, en;q=0.9": "en", "de, en;q=0.8": "en",
		"en;q=0, fr;q=0.1": "fr", "en;q=0": "", "de": "", "*": "", "fr ; q=0.2 , en ; q = 0.5": "en", "fr;q=x, en;q=0.1": "en",
		"en, fr": "en",
	} {
		if got := PreferredLanguage(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
