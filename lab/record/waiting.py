"""Prints the method of every request in a queue, one a line, and leaves the requests where they are.

Arguments: the broker's address, user, password, queue. A queue that does not exist has no requests. Requests that were handed
to somebody who has not confirmed them cannot be read; whoever asks must count those.
"""

import json
import sys

import amqp

address, user, password, queue = sys.argv[1:]
with amqp.Connection(address, userid=user, password=password) as connection:
    channel = connection.channel()
    try:
        while (message := channel.basic_get(queue)) is not None:
            # oslo.messaging wraps the request as a text: common.py, serialize_msg
            print(json.loads(json.loads(message.body)["oslo.message"])["method"])
    except amqp.exceptions.NotFound:
        pass
    # Nothing was confirmed, so all of it returns to the queue when the channel closes.
