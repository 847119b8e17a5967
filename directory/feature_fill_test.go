package directory

import "testing"

// TestLaterCodeYields: a site that has given the default code of picking up in a group to something else keeps it, and has no code for
// that then.
func TestLaterCodeYields(t *testing.T) {
	for _, tt := range []struct {
		given FeatureCodes
		want  string
	}{
		{FeatureCodes{}, "*98"},
		{FeatureCodes{Pickup: "*98"}, FeatureOff},
		{FeatureCodes{Voicemail: "*981"}, FeatureOff},
		{FeatureCodes{Voicemail: "*9"}, FeatureOff},
		{FeatureCodes{Pickup: FeatureOff}, "*98"},
		{FeatureCodes{Pickup: "*98", GroupPickup: "*96"}, "*96"},
	} {
		codes := tt.given
		if codes.fill(); codes.GroupPickup != tt.want {
			t.Errorf("with %+v: %q, want %q", tt.given, codes.GroupPickup, tt.want)
		}
	}
}
