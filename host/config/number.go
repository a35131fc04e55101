package config

import (
	"math"
	"regexp"
	"strconv"
)

var (
	integerText = regexp.MustCompile(`^[+-]?[0-9]+$`)
	floatText   = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	// A number with a leading 0 is octal for some readers and decimal for others.
	ambiguousText = regexp.MustCompile(`^[+-]?0[0-9]`)
)

const outOfRange = "is out of the range of 64 bits"

// decimal reads a number as it is written in any of the formats. All have one rule, so that equal
// content gives equal maps: a number without a fraction is an int64, in whatever form (1, 1.0,
// 1e3), and any other is a float64. The second result is what is wrong; empty for nothing.
func decimal(text string) (any, string) {
	if ambiguousText.MatchString(text) {
		return nil, "is a number with a leading 0, which could be octal"
	}
	if integerText.MatchString(text) {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, outOfRange
		}
		return i, ""
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !floatText.MatchString(text) {
		return nil, "is not a finite number"
	}
	return normalFloat(f)
}

// normalFloat returns a float as decimal would have read it.
func normalFloat(f float64) (any, string) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, "is not a finite number"
	case f != math.Trunc(f):
		return f, ""
	case f < math.MinInt64 || f >= math.MaxInt64: // MaxInt64 as a float64 is 1<<63
		return nil, outOfRange
	}
	return int64(f), ""
}
