package sitefile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// TestOlderDataIsWritten wants data that was kept before a setting existed to be written with its default, so that it reads.
func TestOlderDataIsWritten(t *testing.T) {
	e := sitefile.Demo()
	for _, s := range e.Sites {
		s.RingSeconds, s.Night, s.FeatureCodes = 0, directory.Night{}, directory.FeatureCodes{}
		for _, tr := range s.Trunks {
			tr.Presentation, tr.CallerID = "", ""
		}
	}
	directory.FillDefaults(e)
	again, err := sitefile.Parse("older.yaml", sitefile.Format(e, sitefile.FormatOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sitefile.Demo(), again, same); diff != "" {
		t.Error(diff)
	}
}
