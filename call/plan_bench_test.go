package call

import "testing"

// BenchmarkPlan is the cost of a decision: to a line, to the trunk and to help.
func BenchmarkPlan(b *testing.B) {
	dir := group(b)
	alice := callerOf(b, dir, "alice")
	for _, dialled := range []string{"202", "+33470001201", "0612345678", "112", "*210612345678"} {
		b.Run(dialled, func(b *testing.B) {
			uri := uriOf(dialled)
			b.ReportAllocs()
			for b.Loop() {
				Plan(dir, alice, uri)
			}
		})
	}
}
