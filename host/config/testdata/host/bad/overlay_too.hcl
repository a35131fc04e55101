listen = 1
