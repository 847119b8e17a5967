package main

import "math"

// The rows and columns of the telephone keypad (ITU-T Q.23).
var (
	rows    = [4]float64{697, 770, 852, 941}
	columns = [4]float64{1209, 1336, 1477, 1633}
	// place is the row and the column of each key in the order of keys.
	place = [16][2]int{{3, 1}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 2}, {0, 3}, {1, 3}, {2, 3}, {3, 3}}
)

// dtmf is the waveform of a key, each tone at -10 dB of full scale.
func dtmf(key int) func(int) float64 {
	low, high := rows[place[key][0]], columns[place[key][1]]
	return func(i int) float64 {
		t := 2 * math.Pi * float64(i) / 8000
		return 0.316 * (math.Sin(low*t) + math.Sin(high*t))
	}
}

// encode is one sample of ITU-T G.711.
func encode(codec string, v float64) byte {
	x := int(math.Round(v * 32767))
	if codec == "pcmu" {
		return mulaw(x)
	}
	return alaw(x)
}

func alaw(x int) byte {
	sign := byte(0xd5)
	if x < 0 {
		sign, x = 0x55, -x-1
	}
	x = min(x, 32767) >> 3
	segment := byte(0)
	for limit := 31; x > limit; limit = limit*2 + 1 {
		segment++
	}
	low := x >> 1
	if segment > 1 {
		low = x >> segment
	}
	return sign ^ (segment<<4 | byte(low&0x0f))
}

func mulaw(x int) byte {
	sign := byte(0)
	if x < 0 {
		sign, x = 0x80, -x
	}
	x = min(x, 32635) + 132
	segment := byte(7)
	for mask := 0x4000; x&mask == 0; mask >>= 1 {
		segment--
	}
	return ^(sign | segment<<4 | byte(x>>(segment+3)&0x0f))
}
