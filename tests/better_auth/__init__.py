"""The guide for frontend developers, tried with the real Better Auth."""
