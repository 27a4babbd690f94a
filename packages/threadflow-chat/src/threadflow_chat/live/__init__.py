"""What is live about rooms: their topic, the ops of clients, presence and typing."""
