"""From a method name and raw parameters to the implementation, in the order XAPI checks them."""
