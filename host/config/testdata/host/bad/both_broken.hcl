listen = 
