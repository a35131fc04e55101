package config

import (
	"math"
	"regexp"
	"strconv"
)

var (
	integerText = regexp.MustCompile(`^[+-]?[0-9]+$`)
	floatText   = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	// Some parsers read a number with a leading 0 as octal, and others as decimal.
	ambiguousText = regexp.MustCompile(`^[+-]?0[0-9]`)
)

const outOfRange = "is out of the range of 64 bits"

// decimal parses a number as written in HCL, YAML or JSON. All formats share the same rule, so
// that equal content gives equal maps. A number without a fraction is an int64, however it is
// written (1, 1.0, 1e3). Any other number is a float64. The second result is an error message, or
// empty.
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

// normalFloat converts f to the value that decimal returns for the same number.
func normalFloat(f float64) (any, string) {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return nil, "is not a finite number"
	case f != math.Trunc(f):
		return f, ""
	case f < math.MinInt64 || f >= math.MaxInt64: // float64(math.MaxInt64) is 1<<63
		return nil, outOfRange
	}
	return int64(f), ""
}
