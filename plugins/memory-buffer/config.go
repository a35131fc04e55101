package buffer

// Config is the configuration block memory with type = "buffer".
type Config struct {
	MaxMessages int `json:"max_messages,omitempty" botyard:"tenant" jsonschema:"minimum=0,maximum=10000,default=20" jsonschema_description:"How many of the newest messages the model sees, replies included; 0 shows it only the new message."`
}
