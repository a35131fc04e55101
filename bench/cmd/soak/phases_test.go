package main

import (
	"testing"
	"time"
)

func TestPhases(t *testing.T) {
	all := phases(10*time.Minute, 200)
	if len(all) != 2 || all[0].length+all[1].length != 10*time.Minute {
		t.Fatalf("%+v", all)
	}
	if first := all[0]; first.length != time.Minute || first.changes != 200 || first.kills || first.warmUp {
		t.Errorf("%+v", first)
	}
	if second := all[1]; !second.kills || !second.rude {
		t.Errorf("%+v", second)
	}
	if short := phases(time.Minute, 200); len(short) != 1 {
		t.Errorf("%+v", short)
	}
}
