package main

import (
	"strings"
	"testing"
)

const exampleProto = `syntax = "proto3";
// Nobody's.

// Shop sells.
//
// Always.
service Shop {
  // Buy buys.
  rpc Buy(Order) returns (Receipt) {
    option (feature) = FEATURE_BUY;
  }
  // Look looks.
  rpc Look(Order) returns (stream Receipt);
}

// Order orders.
message Order {
  // How many.
  optional int32 count = 1 [(feature) = FEATURE_COUNT];
  oneof way {
    // By mail.
    string mail = 2;
  }
  map<string, int64> details = 3;
  // Kind of order.
  enum Kind {
    // Not said.
    KIND_UNSPECIFIED = 0;
  }
  // Its kind.
  Kind kind = 4;
}

message Receipt {}
`

func TestProtoComments(t *testing.T) {
	got, err := protoComments("p.v1", exampleProto)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"p.v1.Shop": "Shop sells.\n\nAlways.", "p.v1.Shop.Buy": "Buy buys.", "p.v1.Shop.Look": "Look looks.",
		"p.v1.Order": "Order orders.", "p.v1.Order.count": "How many.", "p.v1.Order.mail": "By mail.", "p.v1.Order.details": "",
		"p.v1.Order.Kind": "Kind of order.", "p.v1.Order.Kind.KIND_UNSPECIFIED": "Not said.", "p.v1.Order.kind": "Its kind.",
		"p.v1.Receipt": "",
	}
	for name, text := range want {
		if found, ok := got[name]; !ok || found != text {
			t.Errorf("the comment of %s is %q (%v), want %q", name, found, ok, text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d names, want %d: %v", len(got), len(want), got)
	}
	if _, err := protoComments("p.v1", strings.TrimSuffix(exampleProto, "}\n")+"\n"); err == nil {
		t.Error("a message that is not closed gives no error")
	}
}
