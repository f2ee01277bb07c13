from authsvc.web.wire import HSTS, SECURITY
import io, asyncio, sys
def environ(scope):
    headers={}
    for name,value in scope.headers.items():
        key="HTTP_"+name.upper().replace("-","_")
        headers[key]=f"{headers[key]},{value}" if key in headers else value
    env={"REQUEST_METHOD":scope.method,"SCRIPT_NAME":"","PATH_INFO":scope.path.encode().decode("latin-1"),"QUERY_STRING":scope.query_string,
      "REMOTE_ADDR":scope.client.rpartition(":")[0],"SERVER_NAME":"x","SERVER_PORT":"80","SERVER_PROTOCOL":"HTTP/1.1","wsgi.url_scheme":scope.scheme,**headers}
    for n in ("CONTENT_TYPE","CONTENT_LENGTH"):
        if "HTTP_"+n in env: env[n]=env.pop("HTTP_"+n)
    return env
def send(proto, answer, is_secure):
    headers=[("content-type",answer.media_type),("cache-control",answer.cache),*SECURITY,*answer.headers]
    if is_secure: headers.append(HSTS)
    proto.response_bytes(answer.status,headers,answer.body)
def serve(app, env, proto, loop):
    env |= {"wsgi.input":io.BytesIO(b""),"wsgi.errors":sys.stderr,"wsgi.version":(1,0),"wsgi.multithread":True,"wsgi.multiprocess":True,"wsgi.run_once":False}
    got=[]
    body=b"".join(app(env, lambda s,h,e=None: got.append((s,h))))
    s,h=got[-1]
    proto.response_bytes(int(s[:3]),[(a.lower(),b) for a,b in h if a.lower()!="content-length"],body)
